import { Component, type ReactNode } from "react";
import { en } from "../texts/en";
import { Button } from "./Button";
import { Empty } from "./States";

const RELOADED = "quorate.reloaded";

/** Stands in for a page that threw. A page whose code a new version took away is loaded again, once a minute at most. */
export class Crash extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override componentDidCatch(error: Error) {
    const last = Number(sessionStorage.getItem(RELOADED));
    if (!/dynamically imported module|module script/i.test(error.message) || Date.now() - last < 60_000) return;
    sessionStorage.setItem(RELOADED, String(Date.now()));
    location.reload();
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <Empty title={en.states.crashed} action={<Button onClick={() => location.reload()}>{en.states.reload}</Button>}>
        {this.state.error.message}
      </Empty>
    );
  }
}
