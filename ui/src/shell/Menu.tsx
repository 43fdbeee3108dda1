import { Menu as Base } from "@base-ui/react/menu";
import type { ReactNode } from "react";
import css from "./menu.module.css";

export type MenuItem = { name: string; isDangerous?: boolean } & ({ act: () => void } | { href: string });

interface MenuProps {
  /** Its name for screen readers, where the button shows no text. */
  name?: string;
  /** Where a key of the page finds the button. */
  id: string;
  children: ReactNode;
  className?: string | undefined;
  items: readonly MenuItem[];
}

/** A button with a menu of actions and downloads. */
export function Menu({ name, id, children, className, items }: MenuProps) {
  return (
    <Base.Root modal={false}>
      <Base.Trigger id={id} className={`${css.trigger} ${className ?? ""}`} aria-label={name}>
        {children}
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner className={css.positioner} sideOffset={6} align="end">
          <Base.Popup className={css.popup}>
            {items.map((item) =>
              "href" in item ? (
                <Base.LinkItem key={item.name} className={css.item} render={<a href={item.href} download />}>
                  {item.name}
                </Base.LinkItem>
              ) : (
                <Base.Item
                  key={item.name}
                  className={`${css.item} ${item.isDangerous ? css.danger : ""}`}
                  onClick={item.act}
                >
                  {item.name}
                </Base.Item>
              ),
            )}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
