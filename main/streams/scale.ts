import type { Image } from './png';

/** Smaller, each pixel the mean of those it stands for; an image that is small already stays as it is. */
export function scaleDown(image: Image, maxWidth: number, maxHeight: number): Image {
  const factor = Math.max(1, image.width / maxWidth, image.height / maxHeight);
  if (factor === 1) return image;
  const [width, height] = [Math.max(1, Math.round(image.width / factor)), Math.max(1, Math.round(image.height / factor))];
  const rgb = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    const [top, bottom] = span(y, height, image.height);
    for (let x = 0; x < width; x++) {
      const [left, right] = span(x, width, image.width);
      let [red, green, blue] = [0, 0, 0];
      for (let row = top; row < bottom; row++) {
        for (let at = (row * image.width + left) * 3, end = (row * image.width + right) * 3; at < end; at += 3) {
          red += image.rgb[at]!;
          green += image.rgb[at + 1]!;
          blue += image.rgb[at + 2]!;
        }
      }
      const count = (bottom - top) * (right - left);
      const out = (y * width + x) * 3;
      rgb[out] = red / count;
      rgb[out + 1] = green / count;
      rgb[out + 2] = blue / count;
    }
  }
  return { width, height, rgb };
}

/** Which of `many` places one of `few` stands for; at least one. */
function span(index: number, few: number, many: number): [number, number] {
  const from = Math.floor((index * many) / few);
  return [from, Math.max(from + 1, Math.floor(((index + 1) * many) / few))];
}
