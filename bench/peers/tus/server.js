// tus' own server with its file store, as its page says it is used: https://tus.io/.
import http from "node:http";
import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";

const tus = new Server({
  path: "/files",
  datastore: new FileStore({ directory: process.env.UPLOADS }),
  relativeLocation: true,
});

const server = http.createServer((request, response) => {
  if (request.url === "/ping/") {
    response.setHeader("Content-Type", "application/json");
    response.end('{"message":"pong"}');
    return;
  }
  tus.handle(request, response);
});

server.listen(Number(process.argv[2]), "127.0.0.1");
