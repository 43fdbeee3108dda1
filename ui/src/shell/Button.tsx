import type { ComponentProps } from "react";
import css from "./button.module.css";

type ButtonProps = ComponentProps<"button"> & {
  look?: "plain" | "primary" | "danger" | "destroy";
  isCompact?: boolean;
};

export function Button({ look = "plain", isCompact = false, className = "", ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={`${css.button} ${css[look]} ${isCompact ? css.compact : ""} ${className}`}
      {...rest}
    />
  );
}

/** A button that is only an icon; its name is for screen readers and as a tooltip. */
export function IconButton({ name, className = "", ...rest }: ComponentProps<"button"> & { name: string }) {
  return <button type="button" className={`${css.icon} ${className}`} aria-label={name} title={name} {...rest} />;
}
