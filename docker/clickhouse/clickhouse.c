// clickhouse runs the engine of libchdb.so. The library has the engine's own
// servers for its native protocol and HTTP, but only clickhouse-local as a way
// in, so
//
//	clickhouse server --config-file=FILE
//
// is a clickhouse-local that starts to listen and then reads queries from a
// pipe in which none will ever come. SIGTERM closes the pipe: the engine ends as
// it does after its last query, with its tables shut down. Anything else
//
//	clickhouse [local] ARGUMENT...
//
// is clickhouse-local itself.

#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct result {
	char *buf;
	size_t len;
	void *vec;
	double elapsed;
	unsigned long long rows, bytes;
	char *error;
};

struct result *query_stable_v2(int argc, char **argv);

static const char listen[] = "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP;";

static int until_term; // the end of the pipe that is closed at SIGTERM
static volatile sig_atomic_t asked; // to end
static sigset_t ends;

static void fail(const char *what) {
	perror(what);
	exit(1);
}

static void *wait_for_term(void *unused) {
	int sig;
	(void)unused;
	sigwait(&ends, &sig);
	asked = 1;
	close(until_term);
	// A second one does not wait for the tables.
	sigwait(&ends, &sig);
	_exit(1);
}

static void serve(int *argc, char **argv) {
	static char script[32], queries[32];
	int text = memfd_create("listen", 0), hold[2];
	pthread_t thread;

	if (text < 0 || write(text, listen, sizeof listen - 1) < 0)
		fail("write the first queries");
	if (pipe(hold))
		fail("make a pipe");
	until_term = hold[1];
	snprintf(script, sizeof script, "/proc/self/fd/%d", text);
	snprintf(queries, sizeof queries, "/proc/self/fd/%d", hold[0]);
	argv[(*argc)++] = "--queries-file";
	argv[(*argc)++] = script;
	argv[(*argc)++] = queries;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	if (pthread_create(&thread, NULL, wait_for_term, NULL))
		fail("start a thread");
}

int main(int n, char **given) {
	char **argv = calloc(n + 4, sizeof *argv);
	int argc = 0, i = 1, server = n > 1 && !strcmp(given[1], "server");

	if (!argv)
		fail("clickhouse");
	argv[argc++] = given[0];
	if (server || (n > 1 && !strcmp(given[1], "local")))
		i++;
	while (i < n)
		argv[argc++] = given[i++];
	if (server)
		serve(&argc, argv);

	struct result *r = query_stable_v2(argc, argv);
	if (r && r->buf)
		fwrite(r->buf, 1, r->len, stdout);
	if (r && r->error)
		fprintf(stderr, "%s\n", r->error);
	// A server that ends by itself could not listen.
	return (r && r->error) || (server && !asked);
}
