/** Texts for erasing a person. */

const SERVICES: Record<string, string> = {
  accounts: "Accounts",
  task_manager: "Tasks",
  subtask_manager: "Votes",
  consensus: "Estimates",
};

const goes = (whose: string) =>
  `${whose} name, password, sign-in with a provider, roles, sessions, keys and settings go, in all teams.`;
const VOTES = "Votes and decisions stay and count as before, under a random pseudonym, and so does the audit.";
const PICTURES = "Pictures that were uploaded, and what was written (names of tasks, instructions, reasons), stay.";
const FOR_GOOD = "It can’t be undone.";

export const erasing = {
  act: "Erase",
  actOn: (name: string) => `Erase: ${name}`,
  title: (name: string) => `Erase ${name}?`,
  outcome: (name: string) => [goes(`${name}’s`), VOTES, PICTURES, FOR_GOOD],
  typeName: "Name of the person",
  typeHint: (name: string) => `Type ${name} to confirm.`,
  otherName: (name: string) => `Type the name as it stands here: ${name}`,
  go: "Erase for good",
  erased: "Erased people",
  summary: (count: number) =>
    count === 0
      ? "Every service has put the pseudonym in their place."
      : "The services put the pseudonym in their place, which takes seconds, or longer where there are many images.",
  pseudonym: "Pseudonym",
  at: "Erased",
  service: (service: string) => SERVICES[service] ?? service,
  underWay: "under way",
  unknown: "Who was erased is not known just now",
  own: {
    title: "Erase your account",
    outcome: [goes("Your"), VOTES, PICTURES, FOR_GOOD],
    ask: "Erase my account",
    password: "Present password",
    noPassword: "Type your password.",
  },
};
