/**
 * @file A timer that is on time in a hidden tab, too: browsers slow a page's own timers down to one
 * a minute there, but not those of its workers.
 */

const SOURCE = 'onmessage = ({ data }) => setTimeout(() => postMessage(0), data);';

/**
 * @param {number} ms
 * @param {() => void} act
 * @returns {() => void} cancels it
 */
export function steadyTimeout(ms, act) {
  let done = false;
  /** @type {Worker | null} */
  let worker = null;
  const end = () => {
    done = true;
    clearTimeout(timer);
    worker?.terminate();
  };
  const fire = () => {
    if (done) return;
    end();
    act();
  };
  // The page's own timer is the fallback, and as good while the page is visible.
  const timer = setTimeout(fire, ms + 50);
  try {
    const url = URL.createObjectURL(new Blob([SOURCE], { type: 'text/javascript' }));
    worker = new Worker(url);
    URL.revokeObjectURL(url);
    worker.onmessage = fire;
    worker.postMessage(ms);
  } catch {
    // No workers here.
  }
  return end;
}
