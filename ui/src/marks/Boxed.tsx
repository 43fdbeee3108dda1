import { useCallback, useState } from "react";
import { en } from "../texts/en";
import { blank } from "./blank";
import css from "./boxed.module.css";
import { spotsFor } from "./captions";

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
  const [loaded, setLoaded] = useState<(Size & { src: string }) | null>(null);
  const [picture, room] = useRoom();
  const known = width && height ? { width, height } : loaded?.src === src ? loaded : null;
  return (
    <div className={css.stage}>
      <div ref={picture} className={css.picture} style={known ? fitted(known) : undefined}>
        <img
          key={src}
          src={src}
          alt={alt}
          decoding="async"
          onError={blank}
          onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
            setLoaded({ src, width: naturalWidth, height: naturalHeight })
          }
        />
        {known &&
          boxes.map(({ rectangle }, position) => (
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
            />
          ))}
        {known && <Captions boxes={boxes} known={known} room={room} />}
      </div>
    </div>
  );
}

interface Size {
  width: number;
  height: number;
}

/** What each box is, where it covers no other; a box that has no room for it goes without. */
function Captions({ boxes, known, room }: { boxes: readonly Box[]; known: Size; room: Size }) {
  const scale = room.width / known.width;
  const captioned = boxes.map(({ label, confidence, rectangle }) => ({
    text: `${label} ${en.percent(confidence)}`,
    left: rectangle.left * scale,
    top: rectangle.top * scale,
    height: rectangle.height * scale,
  }));
  return spotsFor(captioned, room).map(
    (spot, position) =>
      spot && (
        <span
          // biome-ignore lint/suspicious/noArrayIndexKey: boxes have no other name
          key={position}
          className={css.caption}
          style={{ left: spot.x, top: spot.y, maxInlineSize: spot.width }}
        >
          {captioned[position]?.text}
        </span>
      ),
  );
}

/** The size of an element on the screen. */
function useRoom() {
  const [room, setRoom] = useState<Size>({ width: 0, height: 0 });
  const element = useCallback((watched: HTMLDivElement) => {
    const observer = new ResizeObserver(() => setRoom({ width: watched.clientWidth, height: watched.clientHeight }));
    observer.observe(watched);
    return () => observer.disconnect();
  }, []);
  return [element, room] as const;
}

/** As wide as the place, or as its height lets it be. */
function fitted({ width, height }: Size) {
  return { aspectRatio: `${width} / ${height}`, inlineSize: `min(100cqi, 100cqb * ${width / height})` };
}
