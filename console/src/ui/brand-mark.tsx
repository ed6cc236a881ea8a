/** The mark: a line that is lived up to now, and dots for what is to come. */
export function BrandMark({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" aria-hidden="true">
      <path d="M2 12h11" stroke="currentColor" strokeWidth="2.25" strokeLinecap="round" />
      <circle cx="13" cy="12" r="3.5" fill="var(--accent)" />
      <circle cx="19" cy="12" r="1.25" fill="currentColor" />
      <circle cx="22.5" cy="12" r="1.25" fill="currentColor" />
    </svg>
  );
}
