import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { api, bodyOf } from "../api/client";
import { account } from "../texts/en.account";
import css from "./accountMenu.module.css";
import { Menu, type MenuItem } from "./Menu";
import { useMe } from "./me";
import { begin, end, session } from "./session";
import { useStore } from "./useStore";
import { initials } from "./who";

const texts = account.menu;

/** Who is signed in, as what and for which team; the way to their account, and out. */
export default function AccountMenu({ className }: { className: string }) {
  const { user } = useMe();
  const told = useStore(session);
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const signOut = useMutation({
    mutationFn: () => api.DELETE("/api/sessions"),
    onSuccess: () => {
      navigate("/sign-in", { replace: true });
      end();
      client.clear();
    },
  });
  const choose = useMutation({
    mutationFn: async (team: string) => bodyOf(await api.POST("/api/sessions/team", { body: { team } })),
    onSuccess: (begun) => {
      begin(begun);
      location.assign("/"); // anew: everything on this page is the other team's
    },
  });
  const teams: MenuItem[] = (told?.teams ?? []).map(({ id, name }) => ({
    name: texts.team(name),
    isChecked: id === told?.team?.id,
    act: () => id !== told?.team?.id && choose.mutate(id),
  }));
  const items: MenuItem[] = [
    ...(teams.length > 1 ? teams : []),
    { name: texts.account, act: () => navigate("/account") },
    { name: texts.settings, act: () => navigate("/settings") },
    { name: texts.signOut, act: () => signOut.mutate() },
  ];
  const failed = signOut.error ?? choose.error;
  const head = (
    <div className={css.head}>
      <strong>{user.name}</strong>
      <span>{account.rolesOf(user.roles)}</span>
      {told?.team && <span>{told.team.name}</span>}
    </div>
  );
  return (
    <>
      {failed && (
        <p className={css.failed} role="alert">
          {texts.failed(failed.message)}
        </p>
      )}
      <Menu
        id="account"
        name={texts.name(initials(user.name), user.name)}
        className={className}
        head={head}
        items={items}
      >
        {initials(user.name)}
      </Menu>
    </>
  );
}
