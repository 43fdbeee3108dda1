/** Every text of the page in English; a second language is a second file of the same shape. */
// As `Intl.NumberFormat` writes them, whose data a browser would load before the first picture is on screen.
const number = (value: number) => {
  const [whole = "", ...fraction] = String(Math.round(value * 1000) / 1000).split(".");
  return [whole.replace(/\B(?=(\d{3})+$)/g, ","), ...fraction].join(".");
};
const percent = (share: number) => `${number(Math.round(share * 100))}%`;

const counted = (count: number, one: string, many: string) => `${number(count)} ${count === 1 ? one : many}`;

export const en = {
  name: "Quorate",
  number,
  percent,
  skip: "Skip to content",
  title: (place: string) => `${place} · Quorate`,
  places: {
    main: "Places",
    label: "Label",
    tasks: "Tasks",
    disputes: "Disputes",
    recognise: "Recognise",
    detect: "Detect",
    admin: "Admin",
    settings: "Settings",
    notFound: "There is no such page",
    notFoundDetail: "The address may be old, or mistyped.",
    notAllowed: "This page is not for you",
    notAllowedDetail: "Ask the administrator if you should have it.",
    home: "Go to the first page",
    count: (count: number, most: number) => (count < most ? en.number(count) : `${en.number(most)}+`),
  },
  states: {
    loading: "Loading",
    failed: "That did not work",
    retry: "Try again",
    close: "Close",
    cancel: "Cancel",
    copied: "Copied",
    request: (id: string) => `Request ${id}`,
    noConnection: "No connection",
    noConnectionDetail: "The platform does not answer. Nothing is lost; try again in a moment.",
    offline: "No connection. Your votes are kept here and sent later.",
    crashed: "This page has stopped working",
    reload: "Load it again",
  },
  who: {
    title: "Who is labeling?",
    detail: "Type any name: no password is asked for here. It stands beside your votes and the tasks you make.",
    name: "Your name",
    go: "Start",
    wrong: {
      empty: "Type a name.",
      long: "A name has at most 200 characters.",
      characters: "Use Latin letters, digits and punctuation; not “detector:” at the beginning.",
    },
    account: (badge: string, name: string) => `${badge}: ${name}, settings`,
  },
  sync: {
    saved: "All saved",
    saving: "Saving",
    waiting: (count: number) => `${number(count)} waiting`,
    toBeSent: "to be sent",
    memory: "In memory only",
    keepOpen: "(keep this page open)",
  },
  theme: {
    name: "Theme",
    next: { system: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" },
  },
  counted,
};
