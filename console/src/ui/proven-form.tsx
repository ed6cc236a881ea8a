import { type ReactElement, type ReactNode, useState } from "react";
import { isProblem } from "../lib/api.ts";
import { StepUp } from "./step-up.tsx";

/** How far a change is that the server may refuse until presence is proven. */
export interface Proof {
  /** Whether the person proves presence now, in place of the form. */
  readonly proving: boolean;
  readonly pending: boolean;
  /** What the server said of the change, if the form is to show it; null otherwise. */
  readonly problem: unknown;
  /** Takes every refusal of the change. */
  readonly refused: (error: unknown) => void;
  /** Back to the form. */
  readonly back: () => void;
}

export function useProof(change: {
  readonly isPending: boolean;
  readonly error: unknown;
  reset(): void;
}): Proof {
  const [proving, setProving] = useState(false);
  return {
    proving,
    pending: change.isPending,
    problem: proving ? null : change.error,
    refused: (error) => setProving(isProblem(error, "step_up_required")),
    back: () => {
      setProving(false);
      change.reset();
    },
  };
}

interface ProvenFormProps {
  readonly proof: Proof;
  /** This and `doing` are passed on to {@link StepUp}. */
  readonly because: string;
  readonly doing: string;
  /** Asks for the change again. */
  readonly onProven: () => void;
  /** The form. It is kept while presence is proven, so that going back finds everything as it was. */
  readonly children: ReactNode;
}

/** A form, and in its place the proof of presence where the server wants one. */
export function ProvenForm({ proof, because, doing, onProven, children }: ProvenFormProps): ReactElement {
  const { proving, pending, back } = proof;
  return (
    <>
      {proving && <StepUp because={because} doing={pending ? doing : null} onDone={onProven} onBack={back} />}
      <div hidden={proving}>{children}</div>
    </>
  );
}
