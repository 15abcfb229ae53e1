export { EncryptionCodec } from './aes.ts';
export { CodecChain, type CodecChainOptions, type Encoded } from './chain.ts';
export { type CodecServerOptions, codecServer } from './codec-server.ts';
export { decodeArgs, decodeResult, type EncodedArgs, encodeArgs } from './envelope.ts';
export { GzipCodec, type GzipOptions } from './gzip.ts';
export { type EncryptionKey, type KeyProvider, keyring } from './keys.ts';
export {
  decodeJob,
  type EncryptionEnqueueOptions,
  type EncryptionOptions,
  encryptionEnqueueMiddleware,
  encryptionMiddleware,
} from './middleware.ts';
export { CodecError, type CodecErrorCode, type Payload, type PayloadCodec } from './payload.ts';
