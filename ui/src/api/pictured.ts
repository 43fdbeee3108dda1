/** The renditions of an image, where an older platform or a small picture has only the original. */
export interface Pictured {
  image_url: string;
  thumbnail_url: string;
  /** A smaller rendition to judge by; the original itself where that is small enough. */
  screen_url: string;
  width: number | null;
  height: number | null;
  filename: string | null;
}

type MaybePictured = { image_url: string } & { [F in keyof Pictured]?: Pictured[F] | null };

/** The renditions of an image, each falling back to the original. */
export function pictured<T extends MaybePictured>(shown: T): T & Pictured {
  return {
    ...shown,
    thumbnail_url: shown.thumbnail_url ?? shown.image_url,
    screen_url: shown.screen_url ?? shown.image_url,
    width: shown.width ?? null,
    height: shown.height ?? null,
    filename: shown.filename ?? null,
  };
}
