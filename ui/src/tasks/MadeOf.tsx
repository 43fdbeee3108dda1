import { tasks } from "../texts/en.tasks";
import css from "./drawer.module.css";
import { type Origin, placeOf, turnOf } from "./origin";
import type { Task } from "./streams";
import { type Image, useImage } from "./useImages";

const texts = tasks.drawer;

interface MadeOfProps {
  task: Task;
  image: Image;
  origin: Origin;
}

/** The uploaded picture that an image was made of, with the place of the image on it. */
export function MadeOf({ task, image, origin }: MadeOfProps) {
  const { data: uploaded } = useImage(task.id, origin.image_id);
  const { left, top, width, height } = placeOf(origin, image.width, image.height);
  const isWhole = left <= 0 && top <= 0 && width >= origin.width && height >= origin.height;
  const turn = turnOf(origin);
  const said = [
    isWhole
      ? texts.whole(origin.width, origin.height)
      : texts.part(...([left, top, width, height].map(Math.round) as [number, number, number, number])),
    ...(turn ? [texts.turned(turn)] : []),
    ...(origin.path.length > 0 ? [texts.pieces(origin.path.map(([, position = 0]) => position + 1))] : []),
  ];
  const share = (part: number, whole: number) => `${(100 * part) / whole}%`;
  return (
    <section>
      <h3>{texts.origin}</h3>
      <div className={css.origin}>
        {uploaded?.thumbnail_url && (
          <div className={css.whole}>
            <img src={uploaded.thumbnail_url} alt={texts.place} width={origin.width} height={origin.height} />
            {!isWhole && (
              <i
                className={css.place}
                style={{
                  left: share(left, origin.width),
                  top: share(top, origin.height),
                  width: share(width, origin.width),
                  height: share(height, origin.height),
                }}
              />
            )}
          </div>
        )}
        <p>
          {uploaded && `${uploaded.filename}: `}
          {said.join(", ")}.
        </p>
      </div>
    </section>
  );
}
