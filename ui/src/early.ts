/** The first code of the page: asks for what is shown first while the rest of the code is still loading. */
import { ask } from "./api/asked";
import { pictured } from "./api/pictured";
import { taskIn } from "./label/address";
import { hasJustLeft } from "./label/left";
import { prefs } from "./shell/prefs";
import { askSession } from "./shell/session";
import { auth, who } from "./shell/who";

const user = who.get();
const task = taskIn(location.pathname);

if (user === "" || auth.get() === "on") void askSession();
if (user !== "") void ask(user, "/api/me");
if (user !== "" && task !== undefined && !hasJustLeft()) void fetchPicture(askLeases(task));

void import("./main");

function askLeases(task: string | null): Promise<Response> {
  const body = JSON.stringify({ count: prefs.get().ahead, task_id: task });
  const headers = { "Content-Type": "application/json" };
  return ask(user, "/api/leases", task ?? "", { method: "POST", body, headers });
}

/** Has the browser fetch the first picture; the page shows it once it can, and says what went wrong. */
async function fetchPicture(leases: Promise<Response>): Promise<void> {
  try {
    const answer = (await leases).clone();
    const [first] = answer.ok ? (await answer.json()).leases : [];
    if (first) Object.assign(new Image(), { fetchPriority: "high", src: pictured(first).screen_url });
  } catch {
    // no connection
  }
}
