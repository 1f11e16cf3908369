#define _GNU_SOURCE
#include "CUploadWatch.h"

#include <clFFT.h>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// A library calls a function of another one through a slot in its own memory, where the dynamic linker has put the function's
// address. For the time of a watch another address lies in that slot. A function of the same name in this program would not do:
// where this code is a library that Python loaded, which of several such functions clFFT calls depends on who loaded it first.

#if defined(__x86_64__)
enum { jump_slot = R_X86_64_JUMP_SLOT, data_slot = R_X86_64_GLOB_DAT };
#elif defined(__aarch64__)
enum { jump_slot = R_AARCH64_JUMP_SLOT, data_slot = R_AARCH64_GLOB_DAT };
#else
enum { jump_slot = -1, data_slot = -1 };
#endif

typedef cl_int(CL_API_CALL *upload_function)(
    cl_command_queue, cl_mem, cl_bool, size_t, size_t, const void *, cl_uint, const cl_event *, cl_event *);

// What clFFT calls by itself.
static upload_function original;

// Where the status of this thread's first failure goes, or null.
static _Thread_local int *failure;

static cl_int CL_API_CALL upload(
    cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t bytes, const void *source,
    cl_uint wait_count, const cl_event *waits, cl_event *event) {
    cl_int status = original(queue, buffer, blocking, offset, bytes, source, wait_count, waits, event);
    if (status != CL_SUCCESS && failure && !*failure) *failure = status;
    return status;
}

enum { most_slots = 4 };

struct library {
    uintptr_t inside; // an address in it
    uintptr_t base;
    const ElfW(Dyn) *dynamic;
    uintptr_t protected_start, protected_end; // read-only once it was linked
    uintptr_t *slots[most_slots];
    int slot_count;
};

static uintptr_t page_of(uintptr_t address) { return address & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1); }

// Segments of the library that an address lies in.
static int find_library(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size;
    struct library *library = data;
    int is_it = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && library->inside - start < segment->p_memsz) is_it = 1;
    }
    if (!is_it) return 0;
    library->base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_DYNAMIC) library->dynamic = (const ElfW(Dyn) *)start;
        if (segment->p_type == PT_GNU_RELRO) {
            library->protected_start = page_of(start);
            library->protected_end = page_of(start + segment->p_memsz);
        }
    }
    return 1;
}

static void find_slots(
    struct library *library, const ElfW(Rela) *entries, size_t count, const ElfW(Sym) *symbols, const char *names) {
    for (size_t i = 0; i < count && library->slot_count < most_slots; i++) {
        int type = (int)ELF64_R_TYPE(entries[i].r_info);
        if (type != jump_slot && type != data_slot) continue;
        if (strcmp(names + symbols[ELF64_R_SYM(entries[i].r_info)].st_name, "clEnqueueWriteBuffer") != 0) continue;
        library->slots[library->slot_count++] = (uintptr_t *)(library->base + entries[i].r_offset);
    }
}

// Some C libraries keep addresses there as they are in the file.
static uintptr_t address(const struct library *library, uintptr_t value) {
    return value < library->base ? value + library->base : value;
}

// The slots through which clFFT uploads, and what lies in them; 0 where there are none.
static int open_library(struct library *library) {
    memset(library, 0, sizeof *library);
    if (jump_slot < 0 || sizeof(void *) != 8) return 0;
    // Tracers and fault injectors stand in for functions that do more than this one.
    library->inside = (uintptr_t)clfftGetVersion;
    if (!dl_iterate_phdr(find_library, library) || !library->dynamic) return 0;
    uintptr_t jumps = 0, others = 0, symbols = 0, names = 0;
    size_t jump_bytes = 0, other_bytes = 0;
    for (const ElfW(Dyn) *entry = library->dynamic; entry->d_tag != DT_NULL; entry++) {
        switch (entry->d_tag) {
        case DT_JMPREL: jumps = address(library, entry->d_un.d_ptr); break;
        case DT_PLTRELSZ: jump_bytes = entry->d_un.d_val; break;
        case DT_RELA: others = address(library, entry->d_un.d_ptr); break;
        case DT_RELASZ: other_bytes = entry->d_un.d_val; break;
        case DT_SYMTAB: symbols = address(library, entry->d_un.d_ptr); break;
        case DT_STRTAB: names = address(library, entry->d_un.d_ptr); break;
        // Entries of another kind, which these machines do not have.
        case DT_PLTREL: if (entry->d_un.d_val != DT_RELA) return 0; break;
        default: break;
        }
    }
    if (!symbols || !names) return 0;
    const ElfW(Sym) *table = (const ElfW(Sym) *)symbols;
    if (jumps) {
        find_slots(library, (const ElfW(Rela) *)jumps, jump_bytes / sizeof(ElfW(Rela)), table, (const char *)names);
    }
    if (others) {
        find_slots(library, (const ElfW(Rela) *)others, other_bytes / sizeof(ElfW(Rela)), table, (const char *)names);
    }
    return library->slot_count > 0;
}

// Puts a function into a slot; 0 where the system does not allow it.
static int put(const struct library *library, uintptr_t *slot, uintptr_t function) {
    uintptr_t page = page_of((uintptr_t)slot);
    int is_protected = page >= library->protected_start && page < library->protected_end;
    size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
    if (is_protected && mprotect((void *)page, bytes, PROT_READ | PROT_WRITE) != 0) return 0;
    __atomic_store_n(slot, function, __ATOMIC_RELEASE);
    if (is_protected) mprotect((void *)page, bytes, PROT_READ);
    return 1;
}

// What a slot leads to. One that was never used leads back into the library, to code that looks the function up and puts it there.
static upload_function target(const struct library *library, uintptr_t *slot) {
    uintptr_t function = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
    Dl_info info;
    int is_unused = dladdr((void *)function, &info) && (uintptr_t)info.dli_fbase == library->base;
    return is_unused ? (upload_function)dlsym(RTLD_DEFAULT, "clEnqueueWriteBuffer") : (upload_function)function;
}

int gpudeconv_can_watch_clfft_uploads(void) {
    struct library library;
    return open_library(&library);
}

int gpudeconv_watch_clfft_uploads(void (*body)(void *context), void *context) {
    struct library library;
    uintptr_t former[most_slots];
    int status = 0;
    int watched = 0;
    if (open_library(&library)) {
        upload_function function = target(&library, library.slots[0]);
        if (function && function != upload) {
            original = function;
            for (; watched < library.slot_count; watched++) {
                former[watched] = __atomic_load_n(library.slots[watched], __ATOMIC_ACQUIRE);
                if (!put(&library, library.slots[watched], (uintptr_t)upload)) break;
            }
        }
    }
    failure = &status;
    body(context);
    failure = 0;
    while (watched-- > 0) {
        // Unless somebody else has put something there.
        uintptr_t *slot = library.slots[watched];
        if (__atomic_load_n(slot, __ATOMIC_ACQUIRE) == (uintptr_t)upload) put(&library, slot, former[watched]);
    }
    return status;
}
