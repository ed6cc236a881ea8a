import classes from "./badges.module.css";

type Environment = "sandbox" | "live";

/** Which environment something belongs to: live solid, sandbox hatched grey. */
export function EnvironmentBadge({ environment }: { environment: Environment }) {
  return (
    <span className={`${classes.environment} ${classes[environment]}`}>
      <span>{environment}</span>
    </span>
  );
}

/** The thin rule across the top of a page about one environment. Decoration: the badge says it in words. */
export function EnvironmentRule({ environment }: { environment: Environment }) {
  return <div className={classes.topRule} data-environment={environment} aria-hidden />;
}
