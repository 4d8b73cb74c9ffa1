/** Returns its argument, so that a subclass can put a #field on a foreign object: nobody else sees it. */
export class ReturnsArgument {
  constructor(object: object) {
    return object;
  }
}
