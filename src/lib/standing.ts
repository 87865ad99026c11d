/** How TARGET allows a name: it is listed, a wildcard above it is, or whoever names a name gets there (NAME_CHECK=learn). */
export type Standing = 'listed' | 'below' | 'learned';
