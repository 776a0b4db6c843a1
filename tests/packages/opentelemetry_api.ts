export * from "npm:@opentelemetry/api@^1.10.0";
