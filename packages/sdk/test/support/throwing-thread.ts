// A thread that fails by itself.
throw new Error('out of luck');
