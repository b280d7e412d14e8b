//! Log readers: access logs and NDJSON, streaming, compressed or not, in time order.
