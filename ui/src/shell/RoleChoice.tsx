import type { Role } from "../api/fields";
import { account } from "../texts/en.account";
import css from "./confirm.module.css";

/** The name of its fields in a form. */
const FIELD = "roles";

/** Which of these roles; one box for each. */
export function RoleChoice({
  title,
  roles,
  chosen,
}: {
  title: string;
  roles: readonly Role[];
  chosen: readonly Role[];
}) {
  return (
    <fieldset className={css.choice}>
      <legend>{title}</legend>
      {roles.map((role) => (
        <label key={role}>
          <input type="checkbox" name={FIELD} value={role} defaultChecked={chosen.includes(role)} />
          {account.roles[role]}
        </label>
      ))}
    </fieldset>
  );
}

export function chosenRoles(fields: FormData): Role[] {
  return fields.getAll(FIELD) as Role[];
}
