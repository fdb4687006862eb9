import { type Root } from './generate.mjs';
export function rootsFromCertdata(text: string): Root[];
