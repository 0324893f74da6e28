// How long to wait until the next password is looked at: the server's figure, counted down.
const told = document.querySelector("[data-seconds]");
const until = performance.now() + Number(told.dataset.seconds) * 1000;
const words = told.textContent;
const timer = setInterval(() => {
  const left = Math.ceil((until - performance.now()) / 1000);
  if (left > 0) {
    const [minutes, seconds] = [Math.floor(left / 60), left % 60];
    let place = 0;
    told.textContent = words.replace(/\d+/g, () => [minutes, seconds][place++]);
  } else {
    told.textContent = told.dataset.then;
    clearInterval(timer);
  }
}, 1000);
