// An echo of libwebsockets: one thread, as its own examples write it, and as many messages for each call for output as the
// socket takes.

#include <libwebsockets.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST (16u << 20)
#define READ_AT_ONCE (65536 + 16)

// A message that waits, or of which fragments are still to come; the library writes its header into the room before it.
struct message {
  struct message *next;
  size_t size;
  enum lws_write_protocol type;
  unsigned char bytes[];
};

struct session {
  struct message *incoming, *first, *last;
};

static int receive(struct lws *socket, struct session *session, const void *bytes, size_t size) {
  size_t before = session->incoming ? session->incoming->size : 0;
  if (before + size > MOST) {
    lws_close_reason(socket, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
    return -1;
  }
  struct message *message = realloc(session->incoming, sizeof *message + LWS_PRE + before + size);
  if (!message) return -1;
  session->incoming = message;
  if (size > 0) memcpy(message->bytes + LWS_PRE + before, bytes, size);
  message->size = before + size;
  if (!lws_is_final_fragment(socket)) return 0;
  message->next = NULL;
  message->type = lws_frame_is_binary(socket) ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
  if (session->last) session->last->next = message;
  else session->first = message;
  session->last = message;
  session->incoming = NULL;
  lws_callback_on_writable(socket);
  return 0;
}

static int answer(struct lws *socket, struct session *session) {
  while (session->first && !lws_send_pipe_choked(socket)) {
    struct message *message = session->first;
    session->first = message->next;
    if (!session->first) session->last = NULL;
    int written = lws_write(socket, message->bytes + LWS_PRE, message->size, message->type);
    int is_lost = written < (int)message->size;
    free(message);
    if (is_lost) return -1;
  }
  if (session->first) lws_callback_on_writable(socket);
  return 0;
}

static void forget(struct session *session) {
  free(session->incoming);
  for (struct message *message = session->first, *next; message; message = next) {
    next = message->next;
    free(message);
  }
  memset(session, 0, sizeof *session);
}

static int handle(struct lws *socket, enum lws_callback_reasons reason, void *user, void *bytes, size_t size) {
  switch (reason) {
    case LWS_CALLBACK_RECEIVE: return receive(socket, user, bytes, size);
    case LWS_CALLBACK_SERVER_WRITEABLE: return answer(socket, user);
    case LWS_CALLBACK_CLOSED: forget(user); return 0;
    default: return 0;
  }
}

// Whoever started it has ended.
static void *watch(void *unused) {
  while (getchar() != EOF) {}
  _Exit(0);
  return unused;
}

int main(void) {
  const struct lws_protocols protocols[] = {
      {.name = "echo", .callback = handle, .per_session_data_size = sizeof(struct session), .rx_buffer_size = READ_AT_ONCE},
      {0},
  };
  struct lws_context_creation_info info = {0};
  info.port = 0;
  info.iface = "127.0.0.1";
  info.protocols = protocols;
  info.pt_serv_buf_size = READ_AT_ONCE;
  info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DISABLE_IPV6;
  lws_set_log_level(LLL_ERR, NULL);
  struct lws_context *context = lws_create_context(&info);
  struct lws_vhost *host = context ? lws_create_vhost(context, &info) : NULL;
  if (!host) return 1;
  printf("listening %d\n", lws_get_vhost_listen_port(host));
  fflush(stdout);
  pthread_t thread;
  pthread_create(&thread, NULL, watch, NULL);
  while (lws_service(context, 0) >= 0) {}
}
