import { useMutation } from "@tanstack/react-query";
import { api, bodyOf } from "../api/client";
import { Button } from "../shell/Button";
import { CardWrong } from "../shell/Card";
import { backTo } from "../shell/signInAddress";
import { account } from "../texts/en.account";
import { wrongAtProvider } from "./problems";
import { keepWanted } from "./providerAnswer";

/** The way to the provider that vouches for people, and from there back to where they wanted to go. */
export function WithProvider({ name }: { name: string }) {
  const leave = useMutation({
    mutationFn: async () => bodyOf(await api.POST("/api/sessions/oidc")),
    onSuccess: ({ url }) => {
      keepWanted(backTo(location));
      location.assign(url);
    },
  });
  return (
    <>
      {leave.error && <CardWrong>{wrongAtProvider(leave.error)}</CardWrong>}
      <Button onClick={() => leave.mutate()} disabled={leave.isPending}>
        {account.provider.go(name)}
      </Button>
    </>
  );
}
