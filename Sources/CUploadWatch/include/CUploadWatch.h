#ifndef GPUDECONV_CUPLOADWATCH_H
#define GPUDECONV_CUPLOADWATCH_H

#ifdef __cplusplus
extern "C" {
#endif

/// Runs `body(context)` and looks at what comes of the uploads that clFFT makes on this thread meanwhile, of which clFFT 2.12.2
/// does not look at the status itself.
///
/// For that time clFFT calls `clEnqueueWriteBuffer` by way of a function of ours; uploads of other threads pass through it
/// untouched. Not for two threads at a time: the caller has a lock.
/// Returns the status of the first upload that failed, or 0 where none did or where they could not be watched.
int gpudeconv_watch_clfft_uploads(void (*body)(void *context), void *context);

/// Whether uploads can be watched in this process.
int gpudeconv_can_watch_clfft_uploads(void);

#ifdef __cplusplus
}
#endif
#endif
