/* Prints the addresses of a name as the C library finds them, one a line; ends with 2 where there is none. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>

int main(int argc, char **argv) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list, *one;
  char text[NI_MAXHOST];
  int code = argc == 2 ? getaddrinfo(argv[1], NULL, &hints, &list) : EAI_NONAME;
  if (code != 0) {
    fprintf(stderr, "%s\n", gai_strerror(code));
    return 2;
  }
  for (one = list; one != NULL; one = one->ai_next)
    if (getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0) puts(text);
  return 0;
}
