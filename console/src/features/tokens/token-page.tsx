import { PageHeader } from "../../ui/page-header.tsx";

export function TokenPage() {
  return <PageHeader title="TokenPage" />;
}
