// Open the browser's dialogue for choosing pictures.
export function chooseFiles() {
  document.querySelector("[data-testid=stFileUploader] input[type=file]")?.click()
}
