import { Check } from "lucide-react";
import { createContext, type ReactNode, useCallback, useContext, useRef, useState } from "react";
import classes from "./toasts.module.css";

const ToastContext = createContext<(words: string) => void>(() => undefined);

/** Says that something succeeded, in a sentence at the bottom of the page for six seconds. Failures stand by what caused them instead. */
export function useToast(): (words: string) => void {
  return useContext(ToastContext);
}

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly { id: number; words: string }[]>([]);
  const lastId = useRef(0);
  const show = useCallback((words: string) => {
    lastId.current += 1;
    const id = lastId.current;
    setToasts((shown) => [...shown, { id, words }]);
    setTimeout(() => setToasts((shown) => shown.filter((toast) => toast.id !== id)), 6_000);
  }, []);
  return (
    <ToastContext.Provider value={show}>
      {children}
      <div className={classes.toasts} role="status">
        {toasts.map((toast) => (
          <div key={toast.id} className={classes.toast}>
            <Check size={16} aria-hidden />
            {toast.words}
          </div>
        ))}
      </div>
    </ToastContext.Provider>
  );
}
