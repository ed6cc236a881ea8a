import { VisuallyHidden } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./data-table.module.css";
import { useIsNarrow } from "./use-is-phone.ts";

export interface Column<Row> {
  readonly key: string;
  readonly header: string;
  /** Null where the row has nothing to say; a card then leaves the header out too. */
  readonly cell: (row: Row) => ReactNode;
  readonly align?: "right";
  /** Never broken into lines, however wide its neighbours are: times, addresses. */
  readonly whole?: boolean;
  /** For columns of controls, whose header only screen readers need. */
  readonly headerHidden?: boolean;
  /**
   * Where rows are cards: at the card's head or foot, in its full width and without a header, or not at all. Otherwise header and value
   * stand side by side.
   */
  readonly onPhone?: "lead" | "foot" | "hidden";
}

interface DataTableProps<Row> {
  /** What the table lists, for screen readers. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  /** Whether a cell has the row's link (`<Link data-row-link>`), which then covers the whole row. */
  readonly linked?: boolean;
}

/** A dense table that becomes a list of cards where it is too narrow for its columns. */
export function DataTable<Row>({ caption, columns, rows, rowKey, linked = false }: DataTableProps<Row>) {
  const rowClass = linked ? classes.linked : undefined;
  if (useIsNarrow()) {
    return (
      <ul className={classes.cards} aria-label={caption}>
        {rows.map((row) => (
          <li key={rowKey(row)} className={`${classes.card} ${rowClass ?? ""}`}>
            <Card columns={columns} row={row} />
          </li>
        ))}
      </ul>
    );
  }
  return (
    <table className={classes.table}>
      <caption>
        <VisuallyHidden>{caption}</VisuallyHidden>
      </caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.key} scope="col" className={column.align && classes[column.align]}>
              {column.headerHidden ? <VisuallyHidden>{column.header}</VisuallyHidden> : column.header}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={rowKey(row)} className={rowClass}>
            {columns.map((column) => (
              <td
                key={column.key}
                className={`${(column.align && classes[column.align]) ?? ""} ${column.whole ? classes.whole : ""}`}
              >
                {column.cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Card<Row>({ columns, row }: { columns: readonly Column<Row>[]; row: Row }) {
  const fields = columns.filter((column) => column.onPhone === undefined);
  const fullWidth = (place: "lead" | "foot"): ReactNode =>
    columns
      .filter((column) => column.onPhone === place)
      .map((column) => (
        <div key={column.key} className={classes[place]}>
          {column.cell(row)}
        </div>
      ));
  return (
    <>
      {fullWidth("lead")}
      <dl>
        {fields.map((column) => (
          <CardField key={column.key} header={column.header} value={column.cell(row)} />
        ))}
      </dl>
      {fullWidth("foot")}
    </>
  );
}

function CardField({ header, value }: { header: string; value: ReactNode }) {
  if (value === null) return null;
  return (
    <>
      <dt>{header}</dt>
      <dd>{value}</dd>
    </>
  );
}
