#include "parallel.h"

#include "meter.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
	/* Fewer are not worth a thread. */
	ITEMS_PER_THREAD_MIN = 4,
	THREADS_MAX = 64,
};

/* Shared by the threads; each takes the next item that nobody has. */
struct work {
	const struct parallel *parallel;
	atomic_size_t next, done;
	atomic_bool stopped;
};

static bool run_next(struct work *work)
{
	size_t at;

	if (atomic_load(&work->stopped))
		return false;
	at = atomic_fetch_add(&work->next, 1);
	if (at >= work->parallel->count)
		return false;
	if (!work->parallel->run(work->parallel->ctx, at))
		atomic_store(&work->stopped, true);
	atomic_fetch_add(&work->done, 1);
	return true;
}

static void *run_thread(void *arg)
{
	while (run_next(arg))
		;
	return NULL;
}

static size_t thread_count(const struct parallel *parallel)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t most = parallel->count / ITEMS_PER_THREAD_MIN;
	size_t wanted = parallel->jobs;

	if (!wanted)
		wanted = processors > 0 ? (size_t)processors : 1;
	if (most > THREADS_MAX)
		most = THREADS_MAX;
	return wanted < most ? wanted : most;
}

/* This thread works too, so all gets done even if no other can be made. */
void parallel_run(const struct parallel *parallel)
{
	struct work work = { .parallel = parallel };
	pthread_t threads[THREADS_MAX];
	size_t wanted = thread_count(parallel), made = 0;

	while (made + 1 < wanted &&
	       pthread_create(&threads[made], NULL, run_thread, &work) == 0)
		made++;
	while (run_next(&work))
		if (parallel->meter)
			meter_set(parallel->meter, atomic_load(&work.done));
	while (made)
		pthread_join(threads[--made], NULL);
}
