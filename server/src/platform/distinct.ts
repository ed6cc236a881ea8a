/** Distinct values, in the order of first mention. */
export class Distinct<Value> {
  readonly values: Value[] = [];
  readonly #places = new Map<unknown, number>();

  /** The position of the value with this key among the values, from 0; adds it if it is new. */
  place(key: unknown, value: Value): number {
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.values.push(value) - 1;
      this.#places.set(key, place);
    }
    return place;
  }
}
