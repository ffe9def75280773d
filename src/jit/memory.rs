//! Pages for machine code: see the essay in [`super`].

use cranelift_jit::{BranchProtection, JITMemoryKind, JITMemoryProvider};
use cranelift_module::{ModuleError, ModuleResult};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

/// The least size of a mapping. One mapping holds some hundred kernels.
const CHUNK: usize = 1 << 20;

/// Every mapping of the process that holds code.
static ARENA: Mutex<Arena> = Mutex::new(Arena { chunks: BTreeMap::new() });

/// The mappings by their addresses.
struct Arena {
    chunks: BTreeMap<usize, Chunk>,
}

/// A mapping: its size, and what of it is free, as address and length of maximal ranges.
struct Chunk {
    size: usize,
    free: BTreeMap<usize, usize>,
}

/// Whole pages of one kernel. They go back to the arena on drop.
#[derive(Debug)]
pub(super) struct Pages {
    range: Range<usize>,
    writable: bool,
}

fn page_size() -> usize {
    // SAFETY: sysconf has no preconditions.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

fn lock() -> MutexGuard<'static, Arena> {
    // No code that holds the lock can panic between two related changes.
    ARENA.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets the protection of whole pages of a chunk.
fn protect(range: &Range<usize>, protection: libc::c_int) -> io::Result<()> {
    // SAFETY: the range is whole pages of a mapping that the arena made and that stays mapped while
    // any of its pages is in use; nobody executes or writes these pages but their one owner, who
    // asks for the change.
    match unsafe { libc::mprotect(range.start as *mut libc::c_void, range.len(), protection) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

const READ_WRITE: libc::c_int = libc::PROT_READ | libc::PROT_WRITE;
const READ_EXECUTE: libc::c_int = libc::PROT_READ | libc::PROT_EXEC;

impl Chunk {
    /// A fresh mapping, all of it free.
    fn map(size: usize) -> io::Result<(usize, Chunk)> {
        // SAFETY: an anonymous mapping at an address of the kernel's choice touches nothing that
        // exists.
        let base =
            unsafe { libc::mmap(ptr::null_mut(), size, READ_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // Mapped writable and written once before it is ever split, so that all its parts are
        // accounted alike and have one reverse map: else Linux would not merge them again.
        // SAFETY: the first byte of the writable mapping just made.
        unsafe { base.cast::<u8>().write_volatile(0) };
        let base = base as usize;
        if let Err(error) = protect(&(base..base + size), READ_EXECUTE) {
            // SAFETY: the mapping just made, of which nobody knows.
            unsafe { libc::munmap(base as *mut libc::c_void, size) };
            return Err(error);
        }
        Ok((base, Chunk { size, free: BTreeMap::from([(base, size)]) }))
    }

    fn is_free(&self) -> bool {
        self.free.first_key_value().is_some_and(|(_, &length)| length == self.size)
    }

    /// First fit.
    fn take(&mut self, size: usize) -> Option<Range<usize>> {
        let (&start, &length) = self.free.iter().find(|(_, length)| **length >= size)?;
        self.free.remove(&start);
        if length > size {
            self.free.insert(start + size, length - size);
        }
        Some(start..start + size)
    }

    fn give_back(&mut self, range: Range<usize>) {
        let Range { mut start, mut end } = range;
        if let Some(length) = self.free.remove(&end) {
            end += length;
        }
        if let Some((&before, &length)) = self.free.range(..start).next_back()
            && before + length == start
        {
            self.free.remove(&before);
            start = before;
        }
        self.free.insert(start, end - start);
    }
}

impl Arena {
    fn take(&mut self, size: usize) -> io::Result<Range<usize>> {
        if let Some(range) = self.chunks.values_mut().find_map(|chunk| chunk.take(size)) {
            return Ok(range);
        }
        let (base, mut chunk) = Chunk::map(size.max(CHUNK))?;
        let range = chunk.take(size).expect("a fresh mapping of at least this size");
        self.chunks.insert(base, chunk);
        Ok(range)
    }

    /// Takes pages back. One mapping without users is kept for the next kernel, others are unmapped.
    fn give_back(&mut self, range: Range<usize>) {
        let (&base, chunk) = self.chunks.range_mut(..=range.start).next_back().expect("pages come from a chunk");
        chunk.give_back(range);
        let size = chunk.size;
        if chunk.is_free() && self.chunks.iter().any(|(&other, chunk)| other != base && chunk.is_free()) {
            self.chunks.remove(&base);
            // SAFETY: the whole mapping is free and now unknown to the arena: no code is in it.
            unsafe { libc::munmap(base as *mut libc::c_void, size) };
        }
    }
}

impl Pages {
    /// Bytes.
    pub(super) fn len(&self) -> usize {
        self.range.len()
    }

    /// Writable pages for at least `size` bytes.
    fn writable(size: usize) -> io::Result<Pages> {
        keep_across_fork();
        let page = page_size();
        let size = size.max(1).checked_next_multiple_of(page).ok_or(io::ErrorKind::OutOfMemory)?;
        let range = lock().take(size)?;
        match protect(&range, READ_WRITE) {
            Ok(()) => Ok(Pages { range, writable: true }),
            Err(error) => {
                lock().give_back(range);
                Err(error)
            }
        }
    }

    /// Ends the time of writing and begins that of executing.
    fn finalize(&mut self) -> io::Result<()> {
        if self.writable {
            synchronize_instructions(&self.range);
            protect(&self.range, READ_EXECUTE)?;
            self.writable = false;
        }
        Ok(())
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // Free pages are executable like used ones. Should that fail (no memory for the kernel's
        // bookkeeping), the pages are lost rather than handed out with another protection.
        if self.writable && protect(&self.range, READ_EXECUTE).is_err() {
            return;
        }
        lock().give_back(self.range.clone());
    }
}

/// Makes written code visible to instruction fetch. x86-64 does so by itself.
#[cfg(target_arch = "x86_64")]
fn synchronize_instructions(_: &Range<usize>) {}

#[cfg(not(target_arch = "x86_64"))]
fn synchronize_instructions(range: &Range<usize>) {
    unsafe extern "C" {
        fn __clear_cache(start: *mut libc::c_void, end: *mut libc::c_void);
    }
    // SAFETY: the range is mapped and readable.
    unsafe { __clear_cache(range.start as *mut libc::c_void, range.end as *mut libc::c_void) };
}

thread_local! {
    /// The arena's lock, while this thread forks.
    static HELD: RefCell<Option<MutexGuard<'static, Arena>>> = const { RefCell::new(None) };
}

extern "C" fn before_fork() {
    let _ = HELD.try_with(|held| held.replace(Some(lock())));
}

extern "C" fn after_fork() {
    let _ = HELD.try_with(RefCell::take);
}

/// Sees to it, once a process, that no child of a fork inherits the lock from a thread that it lacks.
fn keep_across_fork() {
    static ONCE: Once = Once::new();
    // SAFETY: the handlers are of the right type, never unwind, and outlive the process's use of
    // them, being functions of this library, which is never unloaded.
    ONCE.call_once(|| unsafe {
        libc::pthread_atfork(Some(before_fork), Some(after_fork), Some(after_fork));
    });
}

/// Gives Cranelift's module its memory. The pages stay in the slot when the module is dropped.
pub(super) struct Provider {
    pub(super) slot: Arc<Mutex<Option<Pages>>>,
}

impl Provider {
    fn slot(&self) -> MutexGuard<'_, Option<Pages>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JITMemoryProvider for Provider {
    fn allocate(&mut self, size: usize, align: u64, kind: JITMemoryKind) -> io::Result<*mut u8> {
        let mut slot = self.slot();
        // One function a module, and its constants are behind its code.
        if slot.is_some() || align > page_size() as u64 || !matches!(kind, JITMemoryKind::Executable) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let pages = Pages::writable(size)?;
        Ok(slot.insert(pages).range.start as *mut u8)
    }

    unsafe fn free_memory(&mut self) {
        self.slot().take();
    }

    fn finalize(&mut self, _: BranchProtection) -> ModuleResult<()> {
        match self.slot().as_mut() {
            Some(pages) => pages.finalize().map_err(|err| ModuleError::Allocation { err }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ranges_coalesce() {
        let mut chunk = Chunk { size: 0x10000, free: BTreeMap::from([(0x10000, 0x10000)]) };
        let taken: Vec<_> = (0..16).map(|_| chunk.take(0x1000).unwrap()).collect();
        assert_eq!(chunk.take(0x1000), None);
        for odd in [1, 0] {
            for range in taken.iter().skip(odd).step_by(2) {
                chunk.give_back(range.clone());
            }
            assert_eq!(chunk.free.len(), if odd == 1 { 8 } else { 1 });
        }
        assert!(chunk.is_free());
        assert_eq!(chunk.take(0x10000), Some(0x10000..0x20000));
    }

    #[test]
    fn pages_are_never_writable_and_executable() {
        let mut pages = Pages::writable(1).unwrap();
        let protection = |pages: &Pages| {
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            let line = maps.lines().find(|line| {
                let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
                let of = |text| usize::from_str_radix(text, 16).unwrap();
                (of(start)..of(end)).contains(&pages.range.start)
            });
            line.unwrap().split_whitespace().nth(1).unwrap().to_string()
        };
        assert_eq!(protection(&pages), "rw-p");
        pages.finalize().unwrap();
        assert_eq!(protection(&pages), "r-xp");
    }

    #[test]
    fn impossible_sizes_are_errors() {
        assert!(Pages::writable(usize::MAX).is_err());
        assert!(Pages::writable(1 << 60).is_err());
    }
}
