//! How many threads work on a loop, and the pool that they come from.
//!
//! The pool is made at first need and belongs to the process that made it: after `fork` the child
//! finds that the process id is another and makes its own. It never touches its parent's pool,
//! whose threads don't exist there and whose locks may be held for ever. For the same reason the
//! lock around the current pool is only tried for, never waited for.

use std::cell::Cell;
use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};

/// Work in bytes below which more threads cost more than they gain: one more thread takes 5 to 10
/// microseconds to wake, in which one thread gets through most of this.
const WORTH_SHARING: usize = 1 << 20;
/// The least work in bytes that is worth another thread.
const SHARE: usize = 1 << 19;
/// Nobody has more threads than this.
const MAX_THREADS: usize = 1024;
/// How often a thread looks for news before it sleeps: some tens of microseconds, about what it takes to wake.
const SPINS: usize = 2000;
/// Stacks of the pool's threads; generated code and the functions it calls need little.
const STACK: usize = 512 << 10;

/// What `set_num_threads` set; 0 before.
static CHOSEN: AtomicUsize = AtomicUsize::new(0);
/// The machine's and the environment's answer; 0 before somebody asks.
static DEFAULT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static OVERRIDE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// How many threads a loop may use, the calling one included.
pub fn num_threads() -> usize {
    if let Some(threads) = OVERRIDE.get() {
        return threads;
    }
    match CHOSEN.load(Ordering::Relaxed) {
        0 => default_threads(),
        chosen => chosen,
    }
}

/// Sets how many threads loops may use, in all threads that have no setting of their own, and
/// returns the old number. At least 1 is taken.
pub fn set_num_threads(threads: usize) -> usize {
    let default = default_threads();
    match CHOSEN.swap(threads.clamp(1, MAX_THREADS), Ordering::Relaxed) {
        0 => default,
        old => old,
    }
}

/// The calling thread's own setting, for contexts with a scope.
pub fn thread_override() -> Option<usize> {
    OVERRIDE.get()
}

/// Replaces the calling thread's own setting and returns the old one, to be put back at the end of
/// the scope.
pub fn set_thread_override(threads: Option<usize>) -> Option<usize> {
    OVERRIDE.replace(threads.map(|n| n.clamp(1, MAX_THREADS)))
}

/// Runs a function while the calling thread's loops use the given number of threads.
pub fn with_threads<R>(threads: usize, function: impl FnOnce() -> R) -> R {
    struct Restore(Option<usize>);
    impl Drop for Restore {
        fn drop(&mut self) {
            OVERRIDE.set(self.0);
        }
    }
    let _restore = Restore(set_thread_override(Some(threads)));
    function()
}

/// How many threads are worth waking for so much work, in bytes of memory or what takes as long.
pub fn threads_for(work: usize) -> usize {
    if work < WORTH_SHARING { 1 } else { num_threads().min(work / SHARE) }
}

fn default_threads() -> usize {
    match DEFAULT.load(Ordering::Relaxed) {
        0 => {
            let wanted = ["NUMFUSE_NUM_THREADS", "OMP_NUM_THREADS"].iter().find_map(|name| {
                let value = std::env::var(name).ok()?;
                parse_threads(&value)
            });
            let threads = wanted.unwrap_or(MAX_THREADS).min(available()).clamp(1, MAX_THREADS);
            DEFAULT.store(threads, Ordering::Relaxed);
            threads
        }
        threads => threads,
    }
}

/// The first number of OpenMP's list (one for each level of nesting), if it is positive.
fn parse_threads(value: &str) -> Option<usize> {
    value.split(',').next()?.trim().parse().ok().filter(|&threads| threads > 0)
}

/// The processors that this process may keep busy.
fn available() -> usize {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    // The affinity mask may name processors that don't exist.
    let affinity = read("/proc/thread-self/status").zip(read("/sys/devices/system/cpu/online"));
    let affinity = affinity.and_then(|(status, online)| {
        let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
        let (allowed, online) = (parse_list(allowed)?, parse_list(&online)?);
        let common = |&(a, b): &(usize, usize)| {
            online.iter().map(|&(c, d)| (b.min(d) + 1).saturating_sub(a.max(c))).sum::<usize>()
        };
        Some(allowed.iter().map(common).sum::<usize>()).filter(|&count| count > 0)
    });
    let affinity = affinity.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get));
    let groups = read("/proc/self/cgroup").unwrap_or_default();
    cgroup_limit(&groups, read).unwrap_or(usize::MAX).min(affinity)
}

/// The kernel's list of numbers, `0-3,8`, as ranges with both ends.
fn parse_list(text: &str) -> Option<Vec<(usize, usize)>> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    text.trim().split(',').map(range).collect()
}

/// The least processor quota of the process's control group and those around it, rounded up.
/// `groups` is the text of `/proc/self/cgroup`.
fn cgroup_limit(groups: &str, read: impl Fn(&str) -> Option<String>) -> Option<usize> {
    let quota = |quota: &str, period: &str| {
        let (quota, period): (u64, u64) = (quota.trim().parse().ok()?, period.trim().parse().ok()?);
        if period == 0 { None } else { Some(quota.div_ceil(period).max(1) as usize) }
    };
    let limit_at = |unified: bool, folder: &str| {
        if unified {
            let text = read(&format!("/sys/fs/cgroup{folder}/cpu.max"))?;
            let (most, period) = text.trim().split_once(' ')?;
            quota(most, period)
        } else {
            let file = |name: &str| read(&format!("/sys/fs/cgroup/cpu{folder}/cpu.cfs_{name}_us"));
            quota(&file("quota")?, &file("period")?)
        }
    };
    let mut least = None;
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let unified = controllers.is_empty();
        if !unified && !controllers.split(',').any(|name| name == "cpu") {
            continue;
        }
        // In a container the path may lead outside of what is mounted; its end, the root, never does.
        let mut folder = path.trim_end_matches('/');
        loop {
            if let Some(limit) = limit_at(unified, folder) {
                least = Some(least.map_or(limit, |least: usize| least.min(limit)));
            }
            let Some(at) = folder.rfind('/') else { break };
            folder = &folder[..at];
        }
    }
    least
}

/// Work that several threads may take part in.
pub(super) trait Job: Send + Sync {
    /// Takes part as the participant of this number until nothing is left to take. Must not panic.
    fn work(&self, participant: usize);
}

/// Runs `mine` on the calling thread, which is participant 0 of the job, while up to `helpers`
/// threads of the pool take part as 1, 2 and so on. There may be fewer or none.
///
/// When this returns or unwinds, no other thread takes part and none will.
pub(super) fn share<R>(job: Arc<dyn Job>, helpers: usize, mine: impl FnOnce() -> R) -> R {
    let Some(pool) = current_pool() else { return mine() };
    let ticket = Arc::new(Ticket { job, taking_part: Mutex::new(0), left: Condvar::new() });
    pool.invite(&ticket, helpers);
    let _alone = AloneAtEnd { pool: &pool, ticket: &ticket };
    mine()
}

/// Waits at the end of its scope until nobody else takes part in the ticket's job.
struct AloneAtEnd<'a> {
    pool: &'a Pool,
    ticket: &'a Arc<Ticket>,
}

impl Drop for AloneAtEnd<'_> {
    fn drop(&mut self) {
        self.pool.withdraw(self.ticket);
        for _ in 0..SPINS {
            if *lock(&self.ticket.taking_part) == 0 {
                return;
            }
            std::hint::spin_loop();
        }
        let mut taking_part = lock(&self.ticket.taking_part);
        while *taking_part > 0 {
            taking_part = self.ticket.left.wait(taking_part).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A job that threads are invited to.
struct Ticket {
    job: Arc<dyn Job>,
    /// The pool's threads at work on it.
    taking_part: Mutex<usize>,
    /// Notified when the last one left.
    left: Condvar,
}

/// Threads that wait for jobs. They live as long as the process.
struct Pool {
    process: u32,
    state: Mutex<State>,
    /// Notified for each invitation.
    invited: Condvar,
    /// The number of invitations, for threads that look without the lock.
    open: AtomicUsize,
}

#[derive(Default)]
struct State {
    /// The invitations, with participants' numbers.
    invitations: VecDeque<(Arc<Ticket>, usize)>,
    threads: usize,
    /// Threads without a job.
    idle: usize,
}

/// The process's pool.
static POOL: Mutex<Option<Arc<Pool>>> = Mutex::new(None);

/// The calling process's pool; `None` in the improbable case that its lock isn't to be had.
fn current_pool() -> Option<Arc<Pool>> {
    let process = std::process::id();
    // The lock is held for some nanoseconds, unless by a thread that a fork didn't copy.
    for _ in 0..1000 {
        let mut current = match POOL.try_lock() {
            Ok(current) => current,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                std::hint::spin_loop();
                continue;
            }
        };
        return Some(match &*current {
            Some(pool) if pool.process == process => pool.clone(),
            _ => {
                let pool = Arc::new(Pool {
                    process,
                    state: Mutex::default(),
                    invited: Condvar::new(),
                    open: AtomicUsize::new(0),
                });
                // Dropping the parent's pool would touch what its lost threads left in any state.
                std::mem::forget(current.replace(pool.clone()));
                pool
            }
        });
    }
    None
}

impl Pool {
    /// Invites threads to the job, of which there are made more if too few are idle.
    fn invite(self: &Arc<Pool>, ticket: &Arc<Ticket>, helpers: usize) {
        let mut state = lock(&self.state);
        for participant in 1..=helpers {
            state.invitations.push_back((ticket.clone(), participant));
        }
        self.open.store(state.invitations.len(), Ordering::Release);
        // Concurrent jobs share the threads that the largest one wanted.
        while state.threads < helpers.min(MAX_THREADS) && state.idle < state.invitations.len() {
            let pool = self.clone();
            let thread = std::thread::Builder::new().name(format!("numfuse-{}", state.threads)).stack_size(STACK);
            // Without a thread the caller does all the work.
            if thread.spawn(move || pool.serve()).is_err() {
                break;
            }
            state.threads += 1;
            state.idle += 1;
        }
        drop(state);
        for _ in 0..helpers {
            self.invited.notify_one();
        }
    }

    /// Takes back the invitations that nobody has accepted.
    fn withdraw(&self, ticket: &Arc<Ticket>) {
        let mut state = lock(&self.state);
        state.invitations.retain(|(other, _)| !Arc::ptr_eq(other, ticket));
        self.open.store(state.invitations.len(), Ordering::Release);
    }

    /// The life of a thread of the pool.
    fn serve(&self) {
        loop {
            let (ticket, participant) = self.accept();
            // A panic would be a mistake of ours: the job is left all the same.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ticket.job.work(participant)));
            let mut taking_part = lock(&ticket.taking_part);
            *taking_part -= 1;
            if *taking_part == 0 {
                ticket.left.notify_one();
            }
            drop(taking_part);
            drop(ticket);
            lock(&self.state).idle += 1;
        }
    }

    /// Waits for an invitation and takes it.
    fn accept(&self) -> (Arc<Ticket>, usize) {
        for _ in 0..SPINS {
            if self.open.load(Ordering::Acquire) > 0 {
                break;
            }
            std::hint::spin_loop();
        }
        let mut state = lock(&self.state);
        loop {
            if let Some((ticket, participant)) = state.invitations.pop_front() {
                self.open.store(state.invitations.len(), Ordering::Release);
                state.idle -= 1;
                // Counted under the pool's lock: whoever withdraws the ticket sees the count.
                *lock(&ticket.taking_part) += 1;
                return (ticket, participant);
            }
            state = self.invited.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Nothing is left half done where a thread of ours could panic, so that poison means nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn numbers_of_threads_as_text() {
        assert_eq!(parse_threads("4"), Some(4));
        assert_eq!(parse_threads(" 3,2,1"), Some(3));
        for invalid in ["", "0", "-1", "many", "1.5", ",2"] {
            assert_eq!(parse_threads(invalid), None, "{invalid:?}");
        }
        assert_eq!(parse_list("0-3,8\n"), Some(vec![(0, 3), (8, 8)]));
        assert_eq!(parse_list("x"), None);
    }

    #[test]
    fn quotas_of_control_groups() {
        let limit = |groups: &str, files: &[(&str, &str)]| {
            let files: HashMap<String, String> = files.iter().map(|&(k, v)| (k.into(), v.into())).collect();
            cgroup_limit(groups, |path| files.get(path).cloned())
        };
        assert_eq!(limit("0::/\n", &[("/sys/fs/cgroup/cpu.max", "150000 100000\n")]), Some(2));
        assert_eq!(limit("0::/\n", &[("/sys/fs/cgroup/cpu.max", "max 100000\n")]), None);
        let nested = [("/sys/fs/cgroup/a/b/cpu.max", "max 100000"), ("/sys/fs/cgroup/a/cpu.max", "50000 100000")];
        assert_eq!(limit("0::/a/b\n", &nested), Some(1));
        let first = [
            ("/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "300000\n"),
            ("/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n"),
        ];
        assert_eq!(limit("5:memory:/y\n3:cpu,cpuacct:/x\n", &first), Some(3));
        let unlimited =
            [("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"), ("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")];
        assert_eq!(limit("3:cpu,cpuacct:/\n", &unlimited), None);
        assert_eq!(limit("nonsense", &[]), None);
    }

    #[test]
    fn settings_have_a_scope() {
        assert_eq!(thread_override(), None);
        let inner = with_threads(3, || {
            assert_eq!(with_threads(0, num_threads), 1);
            num_threads()
        });
        assert_eq!(inner, 3);
        assert_eq!(thread_override(), None);
        with_threads(8, || {
            assert_eq!(threads_for(1000), 1);
            assert_eq!(threads_for(1 << 20), 2);
            assert_eq!(threads_for(1 << 30), 8);
        });
    }

    /// Counts who took part, one unit of work at a time.
    struct Count {
        left: AtomicUsize,
        done: AtomicUsize,
    }

    impl Job for Count {
        fn work(&self, _: usize) {
            while self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() {
                std::thread::yield_now();
                self.done.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn jobs_of_many_callers_all_end() {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for helpers in 0..50 {
                        let job = Arc::new(Count { left: AtomicUsize::new(100), done: AtomicUsize::new(0) });
                        share(job.clone(), helpers % 5, || job.work(0));
                        assert_eq!(job.done.load(Ordering::Relaxed), 100);
                    }
                });
            }
        });
    }

    #[test]
    fn a_panicking_helper_leaves_its_job() {
        struct Panics;
        impl Job for Panics {
            fn work(&self, _: usize) {
                std::panic::resume_unwind(Box::new(()));
            }
        }
        for _ in 0..10 {
            share(Arc::new(Panics), 2, std::thread::yield_now);
        }
    }
}
