//! The engine: the only place that calls all stages in order.
//!
//! [`Engine::compile`] makes a [`Kernel`] of a text, or finds the one made before. A kernel holds the
//! program with its names resolved; a [`Kernel::call`] finds the typed program for the arguments'
//! types and the machine code for their layouts, makes what is missing, and runs it.

mod call;
mod compiler;
mod define;
mod exclusive;
mod fast_path;
mod kernel;
mod meaning;
mod repeat;
mod typed;

pub use call::{CallOptions, Host};
pub use define::{Registration, define};
pub use fast_path::{Failed, FastKey, FastPath};
pub use kernel::{Kernel, Output};
pub use repeat::Repeat;

use crate::check::names;
use crate::codegen::Simd;
use crate::diagnostic::{Error, Report};
use crate::opt::FastMath;
use crate::registry::Registry;
use crate::syntax::ast::Name;
use crate::syntax::{self, Limits};
use lru::LruCache;
use meaning::Meaning;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// What a kernel is compiled with, beside its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// Names that are arguments even where they are constants' names; if given, all of the
    /// arguments, in this order.
    pub args: Option<Vec<Name>>,
    /// Names that are arguments wherever they occur, even where they are constants' names.
    pub given: Vec<Name>,
    /// Departures from strict arithmetic that are allowed.
    pub fastmath: FastMath,
    /// Bounds on the text.
    pub limits: Limits,
    /// The functions; if none, the engine's.
    pub functions: Option<Functions>,
}

/// A registry as an option: the same one, whatever it holds, is equal.
#[derive(Clone, Debug)]
pub struct Functions(pub Arc<Registry>);

impl PartialEq for Functions {
    fn eq(&self, other: &Functions) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Functions {}

impl std::hash::Hash for Functions {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

/// Compiles texts to kernels and keeps those lately used.
#[derive(Debug)]
pub struct Engine {
    cache: Mutex<Cache>,
    /// The instruction sets that generated code may use.
    simd: Simd,
    /// The functions, where a kernel's options name no others.
    functions: Arc<Registry>,
    /// Bytes of machine code in all kernels of this engine that are alive.
    code_bytes: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Cache {
    kernels: LruCache<Key, Arc<Kernel>>,
    byte_limit: usize,
    hits: u64,
    misses: u64,
}

type Key = (Arc<str>, Options);

/// What the cache holds and how it served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheInfo {
    /// Texts found.
    pub hits: u64,
    /// Texts compiled.
    pub misses: u64,
    /// Kernels held.
    pub kernels: usize,
    /// Bytes of machine code in all kernels that are alive.
    pub code_bytes: usize,
    /// The most kernels held.
    pub limit: usize,
    /// Machine code beyond this many bytes makes the cache let go of kernels.
    pub byte_limit: usize,
}

/// Kernels held unless told otherwise: each has at least a page of machine code.
const DEFAULT_LIMIT: usize = 2048;
/// Bytes of machine code unless told otherwise.
const DEFAULT_BYTE_LIMIT: usize = 64 << 20;

impl Default for Engine {
    fn default() -> Engine {
        Engine::new()
    }
}

impl Engine {
    /// An engine with the built-in functions.
    pub fn new() -> Engine {
        Engine::with_simd(Simd::best())
    }

    /// The engine's functions: the built-in ones, and those that are added.
    pub fn functions(&self) -> &Arc<Registry> {
        &self.functions
    }

    /// An engine whose code is restricted to an instruction set.
    pub fn with_simd(simd: Simd) -> Engine {
        Engine {
            cache: Mutex::new(Cache {
                kernels: LruCache::unbounded(),
                byte_limit: DEFAULT_BYTE_LIMIT,
                hits: 0,
                misses: 0,
            }),
            simd,
            functions: Arc::default(),
            code_bytes: Arc::default(),
        }
        .limited(DEFAULT_LIMIT)
    }

    fn limited(self, entries: usize) -> Engine {
        self.set_cache_limit(Some(entries), None);
        self
    }

    /// The process's engine, made at first use.
    pub fn global() -> &'static Engine {
        static GLOBAL: OnceLock<Engine> = OnceLock::new();
        GLOBAL.get_or_init(|| Engine { functions: Arc::clone(Registry::global()), ..Engine::with_simd(forced_simd()) })
    }

    /// The kernel of a text. The same text with the same options is the same kernel while the cache
    /// holds it and the functions that it calls keep their meaning.
    ///
    /// # Errors
    /// [`Error::Report`] with all that is wrong with the text.
    ///
    /// # Examples
    /// ```
    /// use numfuse::engine::{Engine, Options};
    /// let kernel = Engine::new().compile("a*x + b", &Options::default()).unwrap();
    /// let names: Vec<&str> = kernel.arguments().iter().map(|n| &**n).collect();
    /// assert_eq!(names, ["a", "x", "b"]);
    /// ```
    pub fn compile(&self, text: &str, options: &Options) -> Result<Arc<Kernel>, Error> {
        let key: Key = (Arc::from(text), options.clone());
        {
            let mut cache = self.cache();
            if let Some(kernel) = cache.kernels.get(&key)
                && kernel.is_current()
            {
                let kernel = Arc::clone(kernel);
                cache.hits += 1;
                return Ok(kernel);
            }
            cache.misses += 1;
        }
        let kernel = Arc::new(self.resolve(&key.0, options)?);
        let mut cache = self.cache();
        while self.code_bytes.load(Ordering::Relaxed) > cache.byte_limit && cache.kernels.pop_lru().is_some() {}
        // Another thread may have been quicker; there is one kernel for a text.
        match cache.kernels.get(&key) {
            Some(known) if known.is_current() => Ok(Arc::clone(known)),
            _ => {
                let old = cache.kernels.put(key, Arc::clone(&kernel));
                drop(cache);
                // The last holder of a kernel frees its functions' owners: not under the lock.
                drop(old);
                Ok(kernel)
            }
        }
    }

    /// Parses a text and resolves its names.
    fn resolve(&self, text: &Arc<str>, options: &Options) -> Result<Kernel, Error> {
        let report = |diagnostics| Error::Report(Report::new(Arc::clone(text), diagnostics));
        let parsed = syntax::parse(text, &options.limits);
        if !parsed.diagnostics.is_empty() {
            return Err(report(parsed.diagnostics));
        }
        let listed = names::Listed { all: options.args.as_deref(), given: &options.given };
        let functions = options.functions.as_ref().map_or(&self.functions, |functions| &functions.0);
        // Before names are looked up: what changes from now on is seen.
        let meaning = Meaning::new(functions);
        let resolved = names::resolve(parsed.ast, &**functions, listed).map_err(report)?;
        let code_bytes = Arc::clone(&self.code_bytes);
        Ok(Kernel::new(Arc::clone(text), resolved, meaning, options.fastmath, self.simd, code_bytes))
    }

    /// What the cache holds.
    pub fn cache_info(&self) -> CacheInfo {
        let cache = self.cache();
        CacheInfo {
            hits: cache.hits,
            misses: cache.misses,
            kernels: cache.kernels.len(),
            code_bytes: self.code_bytes.load(Ordering::Relaxed),
            limit: cache.kernels.cap().get(),
            byte_limit: cache.byte_limit,
        }
    }

    /// Lets go of every kernel; those that somebody holds stay alive.
    pub fn cache_clear(&self) {
        let mut cache = self.cache();
        cache.kernels.clear();
        (cache.hits, cache.misses) = (0, 0);
    }

    /// Bounds the cache, by kernels and by bytes of machine code. `None` leaves a bound as it is.
    pub fn set_cache_limit(&self, entries: Option<usize>, bytes: Option<usize>) {
        let mut cache = self.cache();
        if let Some(entries) = entries {
            let entries = std::num::NonZeroUsize::new(entries).unwrap_or(std::num::NonZeroUsize::MIN);
            cache.kernels.resize(entries);
        }
        cache.byte_limit = bytes.unwrap_or(cache.byte_limit);
        while self.code_bytes.load(Ordering::Relaxed) > cache.byte_limit && cache.kernels.pop_lru().is_some() {}
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The level that `NUMFUSE_SIMD` forces; levels that the machine lacks and unknown ones are ignored.
fn forced_simd() -> Simd {
    let forced = std::env::var("NUMFUSE_SIMD").ok().and_then(|name| Simd::parse(&name));
    forced.map_or(Simd::best(), |forced| forced.min(Simd::best()))
}
