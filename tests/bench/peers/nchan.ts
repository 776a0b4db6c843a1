import { answering, freePort, isInstalled } from "../child.ts";
import type { StartOptions, System } from "../system.ts";
import { startGroup } from "./group.ts";

/** Where Debian installs nchan. */
const MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so";

const here = (file: string) => new URL(file, import.meta.url).pathname;

/**
 * nchan, the pub/sub module of nginx, with one worker: a publisher process posts each progress to
 * nginx, which keeps it in memory and passes it on to every stream.
 */
export const nchan: System = {
  name: "nchan",
  async lacks(): Promise<string | undefined> {
    const module = await Deno.stat(MODULE).then(({ isFile }) => isFile, () => false);
    if (!await isInstalled("nginx") || !module) {
      return "nginx with nchan (Debian: apt-get install libnginx-mod-nchan)";
    }
    return await isInstalled("node") ? undefined : "node";
  },
  async start({ directory, port = freePort() }: StartOptions) {
    const publishPort = freePort();
    const submitPort = freePort();
    const config = `${directory}/nginx.conf`;
    await Deno.writeTextFile(config, nginxConfig({ directory, port, publishPort, submitPort }));
    const env = { PORT: String(submitPort), PUBLISH_PORT: String(publishPort) };
    return await startGroup(port, async (add) => {
      const publisher = add("node", { args: [here("nchan_publisher.mjs")], env });
      await answering(publisher, submitPort, "/healthz");
      await answering(add("nginx", { args: ["-c", config] }), port, "/healthz");
    });
  },
};

interface NginxOptions {
  directory: string;
  /** The port for submits and streams. */
  port: number;
  /** The port for the publisher's requests. */
  publishPort: number;
  /** The publisher's port, to which nginx passes submits. */
  submitPort: number;
}

/** A configuration with one worker and no log, which writes only below `directory`. */
export function nginxConfig({ directory, port, publishPort, submitPort }: NginxOptions): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${directory}/${name};`);
  return `load_module ${MODULE};
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid ${directory}/pid;
error_log stderr error;
${Deno.uid() === 0 ? "user root;" : ""}
events { worker_connections 8192; }
http {
  ${temporary.join(" ")}
  access_log off;
  nchan_shared_memory_size 256M;
  keepalive_requests 1000000;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /healthz { return 200; }
    location = /tasks { proxy_pass http://127.0.0.1:${submitPort}; }
    location ~ ^/tasks/([^/]+)/stream$ {
      nchan_subscriber eventsource;
      nchan_channel_id $1;
      nchan_subscriber_first_message oldest;
    }
  }
  server {
    listen 127.0.0.1:${publishPort};
    location ~ ^/publish/(.+)$ {
      nchan_publisher;
      nchan_channel_id $1;
      nchan_message_buffer_length 1000;
      nchan_message_timeout 5m;
    }
  }
}
`;
}
