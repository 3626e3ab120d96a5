/* Element styles come in as text (see build.mjs): adopted by the shadow root, so CSP needs no inline style. */
declare module '*.shadow.css' {
  const text: string;
  export default text;
}
