// SPDX-License-Identifier: Apache-2.0
// Made by vite.config.ts: the generated interpreter as a file of the page, and its address.

declare module 'virtual:plinth-interpreter' {
  const url: string;
  export default url;
}
