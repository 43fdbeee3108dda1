import { Icon } from "../marks/Icon";
import { useKey } from "../shell/Key";
import { Segments } from "../shell/Segments";
import { label as texts } from "../texts/en.label";
import css from "./mode.module.css";
import type { Mode } from "./session";

const MODES = ["one", "grid"] as const;

interface ModeSwitchProps {
  mode: Mode;
  change: (mode: Mode) => void;
  className?: string | undefined;
}

/** One image at a time, or rows of what the detector suggests. */
export function ModeSwitch({ mode, change, className = "" }: ModeSwitchProps) {
  const key = useKey("mode");
  return (
    <Segments label={texts.mode.name} className={`${css.mode} ${className}`}>
      {MODES.map((one) => (
        <button
          key={one}
          type="button"
          aria-pressed={one === mode}
          aria-keyshortcuts={one === mode ? undefined : key}
          onClick={() => change(one)}
        >
          <Icon name={one} />
          {texts.mode[one]}
        </button>
      ))}
    </Segments>
  );
}
