/** From NumPy's `.npy` to pixels, and onto a canvas. */

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** @typedef {ImageData | ImageBitmap} Picture */

/**
 * The pictures in a `.npy` file of uint8 (n, height, width, channels), with 1, 2, 3 or 4 channels.
 * @param {ArrayBuffer} content
 * @returns {ImageData[]}
 */
export function readNpy(content) {
  const bytes = new Uint8Array(content);
  if (!MAGIC.every((byte, index) => bytes[index] === byte)) throw new TypeError("This is no .npy file.");
  const view = new DataView(content);
  const long = bytes[6] > 1;
  const start = (long ? 12 : 10) + (long ? view.getUint32(8, true) : view.getUint16(8, true));
  const head = new TextDecoder("latin1").decode(bytes.subarray(10, start));
  const shape = /'shape':\s*\(([^)]*)\)/.exec(head)?.[1].split(",").filter((part) => part.trim()).map(Number) ?? [];
  if (!/'descr':\s*'\|u1'/.test(head) || !/'fortran_order':\s*False/.test(head) || shape.length !== 4) {
    throw new TypeError("These are no pictures of bytes.");
  }
  const [count, height, width, channels] = shape;
  const size = height * width * channels;
  return Array.from({ length: count }, (_, index) => {
    const from = start + index * size;
    return toImageData(bytes.subarray(from, from + size), height, width, channels);
  });
}

/** @param {Uint8Array} pixels @param {number} height @param {number} width @param {number} channels */
function toImageData(pixels, height, width, channels) {
  const image = new ImageData(width, height);
  const words = new Uint32Array(image.data.buffer); // little-endian, as every machine with a browser: ABGR
  if (channels === 1) {
    for (let i = 0; i < words.length; i += 1) words[i] = 0xff000000 | (pixels[i] * 0x010101);
  } else if (channels === 2) {
    for (let i = 0, j = 0; i < words.length; i += 1, j += 2) words[i] = (pixels[j + 1] << 24) | (pixels[j] * 0x010101);
  } else if (channels === 3) {
    for (let i = 0, j = 0; i < words.length; i += 1, j += 3) {
      words[i] = 0xff000000 | (pixels[j + 2] << 16) | (pixels[j + 1] << 8) | pixels[j];
    }
  } else {
    image.data.set(pixels);
  }
  return image;
}

/**
 * Draw a picture, pixel for pixel; CSS makes it larger.
 * @param {HTMLCanvasElement} canvas
 * @param {Picture} picture
 */
export function paint(canvas, picture) {
  if (canvas.width !== picture.width) canvas.width = picture.width;
  if (canvas.height !== picture.height) canvas.height = picture.height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  if (picture instanceof ImageData) {
    context.putImageData(picture, 0, 0);
  } else {
    context.clearRect(0, 0, picture.width, picture.height);
    context.drawImage(picture, 0, 0);
  }
}

/**
 * Cut a grid into its pictures, row by row.
 * @param {Blob} grid
 * @param {number} count
 * @param {number} columns
 * @param {{height: number, width: number}} size Of one.
 * @returns {Promise<ImageBitmap[]>}
 */
export async function cutGrid(grid, count, columns, { height, width }) {
  const whole = await createImageBitmap(grid);
  const pieces = Array.from({ length: count }, (_, index) => {
    const [row, column] = [Math.floor(index / columns), index % columns];
    return createImageBitmap(whole, column * width, row * height, width, height);
  });
  const cut = await Promise.all(pieces);
  whole.close();
  return cut;
}

/**
 * The colour of a picture's corners: what it stands on.
 * @param {Picture} picture
 * @returns {[number, number, number] | null} Null where it is transparent, or the corners differ.
 */
export function readGround(picture) {
  if (!(picture instanceof ImageData)) return null;
  if (isSeeThrough(picture)) return null;
  const { data } = picture;
  const corners = listCorners(picture);
  const channel = (/** @type {number} */ offset) => corners.map((at) => data[at + offset]).sort((a, b) => a - b);
  const sorted = [0, 1, 2].map(channel);
  if (sorted.some((values) => values[3] - values[0] > 48)) return null;
  return /** @type {[number, number, number]} */ (sorted.map((values) => Math.round((values[1] + values[2]) / 2)));
}

/** Whether a corner of a picture is transparent. @param {Picture} picture @returns {boolean} */
export function isSeeThrough(picture) {
  return picture instanceof ImageData && listCorners(picture).some((at) => picture.data[at + 3] < 255);
}

/** Where the pixels of the corners begin. @param {ImageData} picture */
function listCorners({ width, height }) {
  return [0, width - 1, width * (height - 1), width * height - 1].map((index) => 4 * index);
}

/** How often a side of `size` fits into `room`, at least once where pictures may not shrink. @param {number} size @param {number} room */
export function wholeScale(size, room) {
  return Math.max(1, Math.floor(room / size));
}
