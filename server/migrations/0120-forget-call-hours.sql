-- Widening: older releases never delete of it.
--
-- Calls are counted by the hour for the charts of 30 days and are cleared away behind them (tokens/forget-usage.ts). Without an index on the hour,
-- which would be written with every counter: old hours are found token by token.
GRANT DELETE ON token_call_hour TO fusion_runtime;
