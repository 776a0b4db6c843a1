export * from "npm:eventsource@^5.1.5";
