/** Whether the platform can be reached, as the browser and the last requests tell. */
import { store } from "./store";

export const online = store(navigator.onLine);
addEventListener("online", () => online.set(true));
addEventListener("offline", () => online.set(false));
