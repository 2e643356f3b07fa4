// Preloaded into every process of a test: writes down whom it asks for, and hinders nothing.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void note(const char *what, const char *whom, int port) {
  const char *path = getenv("NETWORK_WATCH_LOG");
  if (!path) return;
  char line[512];
  int length = snprintf(line, sizeof line, "%s %s %d\n", what, whom, port);
  int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) return;
  if (length > 0 && write(log, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1) < 0) abort();
  close(log);
}

static void note_address(const char *what, const struct sockaddr *address) {
  char text[INET6_ADDRSTRLEN] = "?";
  if (!address) return;
  if (address->sa_family == AF_INET) {
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    inet_ntop(AF_INET, &four->sin_addr, text, sizeof text);
    note(what, text, ntohs(four->sin_port));
  } else if (address->sa_family == AF_INET6) {
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
    note(what, text, ntohs(six->sin6_port));
  }
}

int connect(int socket, const struct sockaddr *address, socklen_t length) {
  note_address("connect", address);
  int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
  return real(socket, address, length);
}

ssize_t sendto(int socket, const void *data, size_t size, int flags, const struct sockaddr *address, socklen_t length) {
  note_address("sendto", address);
  ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
  return real(socket, data, size, flags, address, length);
}

ssize_t sendmsg(int socket, const struct msghdr *message, int flags) {
  if (message) note_address("sendmsg", message->msg_name);
  ssize_t (*real)(int, const struct msghdr *, int) = dlsym(RTLD_NEXT, "sendmsg");
  return real(socket, message, flags);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  note("getaddrinfo", node ? node : "-", 0);
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
  return real(node, service, hints, found);
}
