/** Thrown where a command ends because of Ctrl-C, and there is nothing more to say. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}
