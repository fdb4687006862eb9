/** Bundles the shim into `outfile`. */
export declare function buildShim(outfile: string): Promise<void>;
