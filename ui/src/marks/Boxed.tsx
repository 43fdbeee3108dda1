import { useState } from "react";
import { en } from "../texts/en";
import css from "./boxed.module.css";

export interface Box {
  label: string;
  confidence: number;
  rectangle: { left: number; top: number; width: number; height: number };
}

interface BoxedProps {
  src: string;
  alt: string;
  /** The size in which rectangles are given; that of the loaded picture where it is not known. */
  width?: number | null;
  height?: number | null;
  boxes: readonly Box[];
}

/** A whole picture with boxes over it, as large as its place allows. */
export function Boxed({ src, alt, width, height, boxes }: BoxedProps) {
  const [loaded, setLoaded] = useState<{ src: string; width: number; height: number } | null>(null);
  const known = width && height ? { width, height } : loaded?.src === src ? loaded : null;
  return (
    <div className={css.stage}>
      <div className={css.picture} style={known ? { aspectRatio: `${known.width} / ${known.height}` } : undefined}>
        <img
          src={src}
          alt={alt}
          decoding="async"
          onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
            setLoaded({ src, width: naturalWidth, height: naturalHeight })
          }
        />
        {known &&
          boxes.map(({ label, confidence, rectangle }, position) => (
            <div
              // biome-ignore lint/suspicious/noArrayIndexKey: boxes have no other name
              key={position}
              className={css.box}
              style={{
                left: `${(rectangle.left / known.width) * 100}%`,
                top: `${(rectangle.top / known.height) * 100}%`,
                width: `${(rectangle.width / known.width) * 100}%`,
                height: `${(rectangle.height / known.height) * 100}%`,
              }}
            >
              <span>
                {label} <i>{en.percent(confidence)}</i>
              </span>
            </div>
          ))}
      </div>
    </div>
  );
}
