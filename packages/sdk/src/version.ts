/** Version of this package; a test compares it with package.json. */
export const sdkVersion = '0.1.0';
/** The version of Open Job Spec that this SDK speaks (ojs-sdk-guidelines, SDK-022). */
export const specVersion = '1.0';
