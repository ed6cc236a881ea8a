-- A person may change where an endpoint is and which events it hears of.
GRANT UPDATE (url, events) ON webhook_endpoint TO fusion_runtime;
