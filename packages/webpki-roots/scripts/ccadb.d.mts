import { type Root } from './generate.mjs';
export function rootsFromCcadb(text: string): Root[];
